"""Everything mien refuses, as exceptions.

MienError                exit 2: one line that says what came, what was wanted and what to type
|- InputError            a file or folder that cannot be used: missing, not a picture, truncated, too large
|- FaceError             no face, or not the face that was asked for
|- RequestError          an argument out of range, an unknown name, a combination that makes no sense
|- ModelError            a network file that is corrupt, missing, or of another role
|- OutputError           what was made could not be written: no folder, no space, would overwrite
`- DeclinedError         exit 3: it could be done, but would not look right, or what came shows nothing to do
"""


class MienError(Exception):
    """Base of all refusals; `str(error)` is one line for a person to read."""

    exit_code = 2


class InputError(MienError):
    """A file or folder that cannot be used as input."""


class FaceError(MienError):
    """No face was found, or not the one that was asked for."""


class RequestError(MienError):
    """An argument out of range, an unknown name, or a contradiction."""


class ModelError(MienError):
    """A network file that is corrupt, missing, or of another role."""


class OutputError(MienError):
    """The result could not be written; nothing half-written is left."""


class DeclinedError(MienError):
    """Nothing was done or written: the result would not look right, or what came shows nothing to work on, as a
    blank page."""

    exit_code = 3
