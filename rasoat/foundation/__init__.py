"""What every room stands on: errors, the clock, ids, Vietnamese text, the message catalogue."""
