package feishubot

import (
	"slices"

	"github.com/rollcallhq/rollcall/bot"
)

// chartPoints is how many points one chart may have: what is shown as bars must
// be told apart, and a card is small.
const chartPoints = 200

func hasChart(c bot.Card) bool {
	return slices.ContainsFunc(c.Sections, func(s bot.Section) bool { return drawable(s.Chart) })
}

// drawable tells whether a chart can be drawn.
func drawable(c *bot.Chart) bool {
	return c != nil && len(c.Points) > 0 && len(c.Points) <= chartPoints
}

// chart draws the chart of a section: one bar for each label of the axis, the
// series one upon the other. Source: the vendor's page "chart component (JSON
// 2.0)", whose chart_spec is a VChart definition; every text in it is data and is
// taken literally there. No style is set: the platform then draws in its own
// colours and fits the chart to the screen.
func (d *drawing) chart(s bot.Section) (node, bool) {
	if !d.charts || !drawable(s.Chart) {
		return nil, false
	}
	values := make([]node, len(s.Chart.Points))
	for i, p := range s.Chart.Points {
		values[i] = node{"at": show(p.At, labelLimit), "series": show(p.Series, labelLimit), "value": p.Value}
	}
	spec := node{
		"type": "bar", "data": node{"values": values},
		"xField": "at", "yField": "value", "seriesField": "series", "stack": true,
		"legends": node{"visible": true, "orient": "bottom"},
	}
	if title := show(s.Chart.Title, titleLimit); title != "" {
		spec["title"] = node{"text": title}
	}
	return node{"tag": "chart", "aspect_ratio": "16:9", "chart_spec": spec}, true
}
