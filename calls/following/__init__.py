"""Calls that are running, as staff follow them: what is said and decided, the sound of both sides, and what staff may do.

`call.py` is one call's part and lies beside its bridge; `switchboard.py` is one process's, and speaks with the browsers' sockets in
`sockets.py` through the channel layer, so that it does not matter which process carries a call. `pages.py` are the pages.
"""
