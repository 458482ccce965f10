"""Which of the 478 landmarks lie where: outlines and single points of the face mesh (MediaPipe's canonical
numbering)."""

from __future__ import annotations

POINTS = 468  # of the 478 landmarks: the mesh without the irises
# The outline of the inner lips and of the two eyes (eyelid contours), as polygons over the mesh.
INNER_LIPS = (78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308, 324, 318, 402, 317, 14, 87, 178, 88, 95)
LIPS = (61, 185, 40, 39, 37, 0, 267, 269, 270, 409, 291, 375, 321, 405, 314, 17, 84, 181, 91, 146)
EYELIDS = (
    (33, 246, 161, 160, 159, 158, 157, 173, 133, 155, 154, 153, 145, 144, 163, 7),
    (263, 466, 388, 387, 386, 385, 384, 398, 362, 382, 381, 380, 374, 373, 390, 249),
)
IRISES = ((468, 469, 470, 471, 472), (473, 474, 475, 476, 477))  # the centre, then four of the rim
BROWS = ((70, 63, 105, 66, 107, 55, 65, 52, 53, 46), (300, 293, 334, 296, 336, 285, 295, 282, 283, 276))
NOSTRILS = ((79, 20, 60, 166, 218, 237, 241, 125), (309, 250, 290, 392, 438, 457, 461, 354))
# Of each upper lid, from the outer corner to the inner: the lash line, the crease, and halfway from there to
# the brow.
LASHES = ((33, 246, 161, 160, 159, 158, 157, 173, 133), (263, 466, 388, 387, 386, 385, 384, 398, 362))
CREASES = ((130, 247, 30, 29, 27, 28, 56, 190, 243), (359, 467, 260, 259, 257, 258, 286, 414, 463))
SOCKETS = ((113, 225, 224, 223, 222, 221), (342, 445, 444, 443, 442, 441))
# The same places as the iris network's contours have them: the lower lid and the upper one, then what lies around
# both. The other eye's are their mirror images.
EYELID_CONTOURS = (
    (
        *(33, 7, 163, 144, 145, 153, 154, 155, 133, 246, 161, 160, 159, 158, 157, 173),
        *(130, 25, 110, 24, 23, 22, 26, 112, 243, 247, 30, 29, 27, 28, 56, 190),
    ),
    (
        *(263, 249, 390, 373, 374, 380, 381, 382, 362, 466, 388, 387, 386, 385, 384, 398),
        *(359, 255, 339, 254, 253, 252, 256, 341, 463, 467, 260, 259, 257, 258, 286, 414),
    ),
)
# The outline of the face, the bridge of the nose, and what is below it, for drawings.
OVAL = (
    *(10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377, 152),
    *(148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109),
)
BRIDGE, BELOW = (168, 6, 197, 195, 5, 4), (129, 98, 97, 2, 326, 327, 358)
# Mouth, chin and the cheeks beside them: what a mask covers.
LOWER_FACE = (205, 4, 425, 288, 397, 379, 378, 152, 149, 150, 172, 58)
UPPER_LIP = (205, 4, 425, 291, 61)  # with the tip of the nose and the folds beside
# The chin's two halves below the lips: what a mask covers that is pulled down.
CHIN = ((172, 136, 150, 149, 176, 148, 152, 18), (397, 365, 379, 378, 400, 377, 152, 18))
EXTREMES = (234, 454, 10, 152)  # beside the ears, hairline, chin: between them is the middle of the head
# The skin below each eye: under the lower lid, down to where the cheek begins.
UNDER_EYES = (
    (25, 110, 24, 23, 22, 26, 112, 243, 244, 233, 232, 231, 230, 229, 228, 31, 226, 130),
    (255, 339, 254, 253, 252, 256, 341, 463, 464, 453, 452, 451, 450, 449, 448, 261, 446, 359),
)
RIGID_POINTS = (
    33,
    133,
    362,
    263,
    168,
    6,
    197,
    195,
    8,
    9,
    151,
    10,
    127,
    356,
)  # eye corners, bridge of the nose, brow, temples
EYE_CORNERS = ((33, 133), (362, 263))  # of each eye, left to right in the picture
MOUTH_CORNERS = (61, 291)
