// want: overstayed
// tries: a do-while without end
do ; while (1)
