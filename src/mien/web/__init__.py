"""The studio: a local web page over the verbs, sessions and jobs. In order: guard, media, describe, jobs_api,
app."""
