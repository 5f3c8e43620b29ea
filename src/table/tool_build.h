// tool_build.h — making a table from its source, and the small things that all actions of tool.h share.
#pragma once

#include "table/tool.h"

#include <functional>

namespace posthaste::table {

// Makes (-i: extends) the table `full`, "type:name", from its source file (-i: standard input).
Result<void> build_table(const std::string& full, const ToolOptions& options, const ToolSettings& settings,
                         ToolStreams streams);

Result<void> for_each_line(std::FILE* in, const std::function<Result<void>(std::string_view)>& use);
WriterOptions writer_options(const ToolOptions& options, const ToolSettings& settings);

}  // namespace posthaste::table
