"""A generator of faces that belong to nobody, put together in the mean mesh from pieces of portraits of people
who do not exist. In this order: layout, portraits, blocks, statistics, selection, bank, network, build."""
