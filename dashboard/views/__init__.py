"""What the pages say and show, as plain values. Nothing below imports dash: tests compare values and need no app."""
