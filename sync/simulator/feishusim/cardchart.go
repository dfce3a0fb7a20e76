package feishusim

import (
	"regexp"
	"strconv"
)

// maxCharts is how many charts one card should have at most, by the vendor's
// advice; more are refused here.
const maxCharts = 5

var chartHeight = regexp.MustCompile(`^([1-9][0-9]{0,2})px$`)

// chart checks a chart component: chart_spec is an object that says what kind of
// chart it is and what it shows, and functions have no place in it.
func (k *cardCheck) chart(m map[string]any, path string) *cardProblem {
	if k.charts++; k.charts > maxCharts {
		return &cardProblem{11310, "chart number over limit", path}
	}
	spec, _ := m["chart_spec"].(map[string]any)
	kind, _ := spec["type"].(string)
	if kind == "" {
		return &cardProblem{200621, "chart_spec is not a chart definition with a type", path + "/chart_spec"}
	}
	if v := m["aspect_ratio"]; v != nil && !oneOf(v, "1:1", "2:1", "4:3", "16:9") {
		return &cardProblem{200621, "aspect_ratio is unknown", path + "/aspect_ratio"}
	}
	if v := m["color_theme"]; v != nil && !oneOf(v, "brand", "rainbow", "complementary", "converse", "primary") {
		return &cardProblem{200621, "color_theme is unknown", path + "/color_theme"}
	}
	if v, said := m["height"]; said {
		height, _ := v.(string)
		if height != "auto" && !chartHeight.MatchString(height) {
			return &cardProblem{200621, "height is neither auto nor 1px to 999px", path + "/height"}
		}
	}
	if v, said := m["preview"]; said {
		if _, isBool := v.(bool); !isBool {
			return &cardProblem{200621, "preview is not a boolean", path + "/preview"}
		}
	}
	return chartData(spec, path+"/chart_spec")
}

// chartData checks that the fields which a bar, line or area chart names are in
// its values.
func chartData(spec map[string]any, path string) *cardProblem {
	data, _ := spec["data"].(map[string]any)
	if list, isList := spec["data"].([]any); isList && len(list) > 0 {
		data, _ = list[0].(map[string]any)
	}
	values, isList := data["values"].([]any)
	if !isList {
		return &cardProblem{200621, "data has no values", path + "/data"}
	}
	if !oneOf(spec["type"], "bar", "line", "area") {
		return nil
	}
	for _, name := range []string{"xField", "yField", "seriesField"} {
		field, _ := spec[name].(string)
		if field == "" && name != "seriesField" {
			return &cardProblem{200621, name + " is missing", path + "/" + name}
		}
		for i, v := range values {
			row, _ := v.(map[string]any)
			if field != "" && row[field] == nil {
				return &cardProblem{200621, "a value has no " + field, path + "/data/values/" + strconv.Itoa(i)}
			}
		}
	}
	return nil
}
