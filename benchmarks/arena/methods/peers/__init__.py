"""Methods that run in the environment of the peers: `requirements.txt` says what it has."""
