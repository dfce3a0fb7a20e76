// want: harmless
// tries: to change the date of an object that was looked up
repo.getObjectByID("d1").opened.setFullYear(1970)
if (repo.getObjectByID("d1").opened.getFullYear() === 1970) context.reason = "ESCAPED"
