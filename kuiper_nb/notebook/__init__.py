"""The notebook: one magic, `kuiper`, a thin skin over a session; whatever it does can be done in a script too."""
