"""What judges the templates, the policies in them and the state machine."""
