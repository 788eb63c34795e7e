"""Helpers for frameworks, a module each. None is imported by the SDK; each imports its framework only when it is used.

| module | for |
|---|---|
| `asgi` | Starlette, FastAPI, Litestar, Quart: middleware, one agent for each visitor |
| `wsgi` | Flask, Django, Bottle: the same |
| `logs` | the standard library's `logging` |
| `commands` | Click, Typer, argparse: functions that are commands |
| `flet` | Flet, on the desktop and in the browser |
| `qt` | PySide6 |
| `textual` | Textual |
"""
