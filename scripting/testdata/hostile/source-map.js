// want: harmless
// tries: to have the file /etc/hostname opened
// whole
//# sourceMappingURL=/etc/hostname
