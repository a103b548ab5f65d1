"""A briefing's tokens and exhibits become numbers, words and pictures, from the same view functions as the screen."""
