"""The shell: the only place where asynchronous steps are put in order."""
