package feishusim

import "encoding/json"

// replay answers a create that carries a client_token seen before.
func (c *call) replay(op string) (data any, done bool, no *refusal) {
	token := c.query.Get("client_token")
	if token == "" {
		return nil, false, nil
	}
	old, seen := c.sim.directory.replies[op+"/"+token]
	if !seen {
		return nil, false, nil
	}
	if old.request != c.fingerprint() {
		return nil, true, refuse(40021, "client_token was used with other parameters")
	}
	return old.data, true, nil
}

// remember stores what a create answered. The vendor does not publish how
// long a client_token holds; here it holds as long as the tenant.
func (c *call) remember(op string, data any) {
	if token := c.query.Get("client_token"); token != "" {
		c.sim.directory.replies[op+"/"+token] = clientReply{request: c.fingerprint(), data: data}
	}
}

// fingerprint is the body with its keys in order.
func (c *call) fingerprint() string {
	var v any
	if json.Unmarshal(c.body, &v) != nil {
		return string(c.body)
	}
	raw, _ := json.Marshal(v) // cannot fail: it was JSON
	return string(raw)
}
