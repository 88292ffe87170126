// A non-owning reference to a callable: two pointers, no allocation. The callable must outlive the call.
#pragma once

#include <memory>
#include <type_traits>
#include <utility>

namespace gemma4::inline v0
{
    template <class Signature>
    class function_ref;

    template <class R, class... Args>
    class function_ref<R(Args...)>
    {
    public:
        template <class F>
            requires(!std::is_same_v<std::remove_cvref_t<F>, function_ref>
                     && std::is_invocable_r_v<R, F&, Args...>)
        function_ref(F&& f) noexcept
            : m_object(const_cast<void*>(static_cast<void const*>(std::addressof(f))))
            , m_call(
                  [](void* object, Args... args) -> R {
                      return (*static_cast<std::remove_reference_t<F>*>(object))(std::forward<Args>(args)...);
                  })
        {}

        R operator()(Args... args) const { return m_call(m_object, std::forward<Args>(args)...); }

    private:
        void* m_object;
        R (*m_call)(void*, Args...);
    };
}
