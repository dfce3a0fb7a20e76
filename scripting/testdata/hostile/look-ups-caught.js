// want: failed: the rule looks up more
// tries: to go on behind the refusal
for (var i = 0; ; i++) try { repo.getObjectByID('x' + i) } catch (e) {} finally { continue }
