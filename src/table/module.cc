// module.cc — see module.h.
#include "table/module.h"

#include "param/basics.h"
#include "table/table.h"

#include <dlfcn.h>
#include <fmt/format.h>
#include <map>
#include <unistd.h>

namespace posthaste::table {

namespace {

std::vector<std::string> directories(const OpenOptions& options)
{
    std::vector<std::string> result;
    const auto& main_cf = options.main_cf;
    if (!main_cf)
        return result;
    if (const std::string& directory = main_cf->get(param::shlib_directory); directory != "no")
        result.push_back(directory);
    result.push_back(main_cf->get(param::daemon_directory));
    return result;
}

std::string file_name(std::string_view type) { return fmt::format("posthaste-{}.so", type); }

Result<const Module*> load(std::string_view type, const OpenOptions& options)
{
    const std::string file = module_file(type, options);
    if (file.empty())
        return std::unexpected(no_module(type, options));
    void* library = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr)
        return fail(
            ErrorKind::Unsupported,
            fmt::format("unsupported dictionary type: {}: cannot load its module {}: {}", type, file, dlerror()));
    void* symbol = dlsym(library, module_function);
    const Module* module = symbol == nullptr ? nullptr : reinterpret_cast<ModuleFunction>(symbol)();
    if (module == nullptr || module->version != module_version)
        return fail(ErrorKind::Unsupported,
                    fmt::format("unsupported dictionary type: {}: {} belongs to another release", type, file));
    return module;
}

}  // namespace

std::string module_file(std::string_view type, const OpenOptions& options)
{
    for (const std::string& directory : directories(options)) {
        std::string file = fmt::format("{}/{}", directory, file_name(type));
        if (access(file.c_str(), R_OK) == 0)
            return file;
    }
    return {};
}

Error no_module(std::string_view type, const OpenOptions& options)
{
    return {ErrorKind::Unsupported,
            fmt::format("unsupported dictionary type: {}: its module {} is not in {}: install it, or say in "
                        "shlib_directory where it is",
                        type, file_name(type), fmt::join(directories(options), " or "))};
}

Result<const Module*> load_module(std::string_view type, const OpenOptions& options)
{
    // Never unloaded: threads may still run in it.
    static std::map<std::string, const Module*, std::less<>> loaded;
    if (auto found = loaded.find(type); found != loaded.end())
        return found->second;
    TRY(const Module* module, load(type, options));
    loaded.emplace(type, module);
    return module;
}

}  // namespace posthaste::table
