"""Photos, clips, labels and folders of faces: in and out. The only package that knows Pillow, PyAV, c2pa and
cryptography."""
