"""An AWS that fits in a process, for development: moto, with what moto lacks added on top."""

import functools

import botocore.session

# Each boto3 session would read and parse the descriptions of services again, seconds of it while moto is imported.
# A loader holds nothing else, credentials least of all, so one serves all sessions of a process.
botocore.session.create_loader = functools.cache(botocore.session.create_loader)
