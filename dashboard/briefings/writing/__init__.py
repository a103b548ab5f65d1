"""Writing a briefing: drafts, outline, how easily it reads, and the starters that every region has."""
