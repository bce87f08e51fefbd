"""One module per command of `ntkit`, imported when it is asked for; each has `run(options) -> exit status`."""
