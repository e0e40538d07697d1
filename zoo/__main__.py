"""`python -m zoo` is the command `zoo`."""

from zoo.cli.app import app

app(prog_name="zoo")
