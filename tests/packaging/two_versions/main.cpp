#include <cstddef>
#include <string>

namespace this_user
{
    std::string type_of_error();
    std::size_t owners();
    void fail();
    bool catches(void (*)());
}
namespace other_user
{
    std::string type_of_error();
    std::size_t owners();
    void fail();
    bool catches(void (*)());
}

int main()
{
    bool const both_work = this_user::owners() == 24 && other_user::owners() == 24;
    bool const apart = this_user::type_of_error() != other_user::type_of_error()
                       && this_user::catches(this_user::fail) && !this_user::catches(other_user::fail)
                       && other_user::catches(other_user::fail) && !other_user::catches(this_user::fail);
    return both_work && apart ? 0 : 1;
}
