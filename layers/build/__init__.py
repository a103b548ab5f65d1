"""Official files and a region definition become a region pack."""
