"""Results files (HDF5). The only package that imports h5py; rank 0 and readers use it, workers never load it."""
