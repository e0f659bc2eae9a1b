"""The operations on a stack: creation, update with its rollback, and deletion.

An operation runs as a task of the clock, one resource after another in the order of their dependencies. `progress` is
its time and its events; `provisioning` creates and changes resources, `removal` deletes them.
"""
