"""External services: SQL functions that a file describes and a server answers; no code.

spec         what a service file says
reading      the file: YAML, or eKuiper's JSON; a folder or zip in eKuiper's layout
secrets      references to secrets, and their values kept out of everything that is shown
protocol     what a protocol offers: operations, encode, exchange, decode
rest         httprule, openapi are its parts
grpc         …
msgpack_rpc  …
schema       protobuf files, compiled; messages turns values into messages and back
transport    HTTP, with a deadline over all, to one pinned address, up to a size
caller       attempts until the deadline: retry, throttle, breaker, rate
batch        whole batches: equal calls once, several at a time, cached, answers in row order
service      one service of a session
installed    the services of a session, and the functions they offer
"""

import os

os.environ.setdefault("GRPC_VERBOSITY", "ERROR")
"""Else gRPC's core tells the terminal, and so the last cell, of every connection that a server closes. It is read once,
when grpc is imported."""
