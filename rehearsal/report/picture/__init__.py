"""Any state machine as a picture, with the path that an execution took through it."""
