"""What families are built of: layers, losses, augmentation, encoders and translators, and a Frechet
distance."""
