"""Tests of the room plugins: real processes, real sockets."""
