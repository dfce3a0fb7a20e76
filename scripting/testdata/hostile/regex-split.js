// want: overstayed
// tries: to split by a pattern that backtracks
('a'.repeat(40)).split(/(?=(a+)+c)/)
