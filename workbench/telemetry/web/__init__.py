"""The web is where backends with an HTTP API are asked: patiently, within limits, and without showing a secret."""
