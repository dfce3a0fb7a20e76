// want: harmless
// tries: to have a file opened by its relative name
// whole
//# sourceMappingURL=../../etc/hostname
//@ sourceMappingURL=file:///etc/passwd
