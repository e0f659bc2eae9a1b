"""The linters of the templates, of the policies in them and of the state machine."""
