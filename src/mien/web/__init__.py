"""The studio: a local web page over the verbs, sessions and jobs. In order: guard, media,
the calls (..._api), app, server."""
