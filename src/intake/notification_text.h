// The texts of notifications as this system sends them: templates (dsn/notification_template.h) with their $names
// replaced by values of main.cf. Postfix's bounce(5) has the format and the names that exist only here.
#pragma once

#include "base/result.h"
#include "config/config.h"
#include "dsn/notification_template.h"

#include <string>

namespace posthaste::intake {

// postconf(5) bounce_template_file; empty: the built-in templates. Reads the file: before the jail. Io and Invalid as
// read_file() and parse_notification_templates() say.
Result<dsn::TemplateFile> load_notification_templates(const std::string& file);

// The template with every $name in its lines replaced; $delay_warning_time_hours and the like are whole numbers of
// the unit (seconds, minutes, hours, days, weeks). us-ascii becomes utf-8 where recipients may have such addresses.
// Invalid: a name that nobody defines, or a malformed expression; the text is the offending line.
Result<dsn::NotificationTemplate> expanded_template(const dsn::NotificationTemplate& given,
                                                    const config::Config& config);

// The same; a template that cannot be expanded is replaced by the built-in one, with a warning.
dsn::NotificationTemplate notification_text(dsn::ReportKind kind, const dsn::NotificationTemplate& given,
                                            const config::Config& config);

// Names in `given` that come out as 0 because the unit is too big, such as $delay_warning_time_days for an hour.
std::vector<std::string> names_that_are_zero(const dsn::NotificationTemplate& given, const config::Config& config);

}  // namespace posthaste::intake
