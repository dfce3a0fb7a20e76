// A SCIM 2.0 service on loopback, by scimmy: a peer that nobody here wrote. It
// stores in memory, one tenant for each first part of a path, prints its port, and
// ends with its standard input.
import { randomUUID } from "node:crypto";
import express from "express";
import SCIMMY from "scimmy";
import SCIMMYRouters from "scimmy-routers";

const { Error: Refusal } = SCIMMY.Types;
const token = process.env.SCIM_TOKEN;
const tenants = new Map();

function tenant(name) {
	if (!tenants.has(name)) tenants.set(name, { users: new Map(), groups: new Map() });
	return tenants.get(name);
}

// serve gives a resource type its store. unique names what must be, or is null.
function serve(Type, kind, unique, show) {
	SCIMMY.Resources.declare(Type)
		.ingress((resource, data, name) => {
			const t = tenant(name);
			const id = resource.id ?? randomUUID();
			const old = t[kind].get(id);
			if (resource.id && !old) throw new Refusal(404, null, "not found");
			for (const [other, have] of t[kind]) {
				if (unique && other !== id && have[unique].toLowerCase() === data[unique].toLowerCase()) {
					throw new Refusal(409, "uniqueness", `${unique} is taken`);
				}
			}
			const now = new Date().toISOString();
			const kept = { ...JSON.parse(JSON.stringify(data)), id, meta: { created: old?.meta.created ?? now, lastModified: now } };
			t[kind].set(id, kept);
			return show(t, kept);
		})
		.egress((resource, name) => {
			const t = tenant(name);
			if (resource.id) {
				if (!t[kind].has(resource.id)) throw new Refusal(404, null, "not found");
				return show(t, t[kind].get(resource.id));
			}
			const all = [...t[kind].values()].map((r) => show(t, r));
			return resource.filter ? resource.filter.match(all) : all;
		})
		.degress((resource, name) => {
			const t = tenant(name);
			if (!t[kind].delete(resource.id)) throw new Refusal(404, null, "not found");
			for (const g of t.groups.values()) g.members = g.members?.filter((m) => m.value !== resource.id);
		});
}

serve(SCIMMY.Resources.User, "users", "userName", (t, u) => ({
	...u,
	groups: [...t.groups.values()]
		.filter((g) => g.members?.some((m) => m.value === u.id))
		.map((g) => ({ value: g.id, display: g.displayName, type: "direct" })),
}));
serve(SCIMMY.Resources.Group, "groups", null, (t, g) => ({ ...g }));
SCIMMY.Resources.User.extend(SCIMMY.Schemas.EnterpriseUser, false);

const app = express();
app.use("/:tenant/scim/v2", new SCIMMYRouters({
	type: "bearer",
	context: (request) => request.params.tenant,
	handler: (request) => {
		if (request.header("Authorization") !== `Bearer ${token}`) throw new Error("wrong token");
		return "tester";
	},
}));
const server = app.listen(0, "127.0.0.1", () => console.log(server.address().port));
process.stdin.resume().on("end", () => process.exit(0));
