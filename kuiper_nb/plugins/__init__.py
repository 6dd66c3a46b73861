"""Portable plugins: sources, sinks and functions that live in processes of their own, in any language.

    manifest     what a plugin is: its program and what it serves, in eKuiper's layout
    archive      a plugin from a folder, a zip or an address, as a folder of its own
    environment  what it runs in: this interpreter, another, a virtual environment, conda, or nothing
    wire         what a message is: signed frames, in and out, without a socket
    codec        the columns of a batch as the payload of a message
    connection   the file that tells a plugin where its host listens, and the key
    channel      a socket that speaks the wire
    process      a program that runs beside this one, and never outlives it
    hello        what a plugin says of itself when it meets its host
    peer         what a running plugin can be asked, whatever wire it speaks
    kernel       the peer that speaks ours
    nanomsg      the peer that speaks eKuiper's; nanomsg_messages, _sockets, _streams, _process are its parts
    redirect     where the sockets of eKuiper's plugins lie is said by nanomsg_places, with nanomsg_locks, namespace
    begun        a process, from its launch until it has said hello
    supervisor   keeps a plugin running: restarts, retries, bisects, quarantines
    symbols      what a plugin serves, as the functions, sources and sinks of a session
    sdk          the other side, for authors of plugins in Python; sdk/go for those in Go

The wire is described in the README of this folder.
"""
