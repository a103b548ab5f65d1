"""The methods: frames in, Series out on the caller's index."""
