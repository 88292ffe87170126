// Memory comes from a std::pmr::memory_resource, so that a host can replace the allocator.
#pragma once

#include <cstddef>
#include <memory_resource>
#include <span>
#include <type_traits>
#include <utility>

namespace gemma4::inline v0
{
    inline constexpr std::size_t cache_line = 64;

    // A cache-line aligned, uninitialised array of trivial T.
    template <class T>
    class buffer
    {
        static_assert(std::is_trivially_copyable_v<T> && std::is_trivially_destructible_v<T>);

    public:
        buffer() = default;

        explicit buffer(std::size_t size,
                        std::pmr::memory_resource* memory = std::pmr::get_default_resource())
            : m_memory(memory)
            , m_data(size ? static_cast<T*>(memory->allocate(size * sizeof(T), cache_line)) : nullptr)
            , m_size(size)
        {}

        buffer(buffer&& other) noexcept
            : m_memory(other.m_memory)
            , m_data(std::exchange(other.m_data, nullptr))
            , m_size(std::exchange(other.m_size, 0))
        {}

        buffer& operator=(buffer&& other) noexcept
        {
            std::swap(m_memory, other.m_memory);
            std::swap(m_data, other.m_data);
            std::swap(m_size, other.m_size);
            return *this;
        }

        ~buffer()
        {
            if (m_data) { m_memory->deallocate(m_data, m_size * sizeof(T), cache_line); }
        }

        T* data() noexcept { return m_data; }
        T const* data() const noexcept { return m_data; }
        std::size_t size() const noexcept { return m_size; }
        bool empty() const noexcept { return m_size == 0; }
        T& operator[](std::size_t i) noexcept { return m_data[i]; }
        T const& operator[](std::size_t i) const noexcept { return m_data[i]; }
        operator std::span<T>() noexcept { return {m_data, m_size}; }
        operator std::span<T const>() const noexcept { return {m_data, m_size}; }

    private:
        std::pmr::memory_resource* m_memory = nullptr;
        T* m_data = nullptr;
        std::size_t m_size = 0;
    };
}
