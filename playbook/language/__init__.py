"""What every room speaks: mistakes, numbers in words, times, what engines disagree on."""
