// A library that uses gemma4 inside: catches an error of its own version, and lets one out.
#include <cstddef>
#include <string>
#include <typeinfo>

#include <gemma4/core/error.hpp>
#include <gemma4/spec/architecture.hpp>
#include <gemma4/spec/models.hpp>
#if __has_include(<gemma4/gemma4.hpp>)
#include <gemma4/gemma4.hpp>
#endif

namespace USER
{
    std::string type_of_error() { return typeid(gemma4::error).name(); }
    std::size_t owners() { return gemma4::architecture<gemma4::e4b>::schedule.owners; }
    void fail() { throw gemma4::file_error("model.safetensors: cannot be opened"); }

    bool catches(void (*other)())
    {
        try
        {
            other();
        }
        catch (gemma4::error const&)
        {
            return true;
        }
        catch (...)
        {
            return false;
        }
        return false;
    }
}
