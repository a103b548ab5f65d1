"""The addresses of briefings: reading, presenting, writing, sharing."""
