"""Briefings: tokens and exhibits into numbers, words and pictures, from the same view functions as the screen."""
