// Pages of keys and values: reference-counted, copied on write, recycled by a pool.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstring>
#include <memory>
#include <memory_resource>
#include <mutex>
#include <new>
#include <utility>

#include <gemma4/core/memory.hpp>

namespace gemma4::inline v0
{
    // Owns equally sized pages of bytes. Safe to use from several threads: forks of one state share it.
    class page_pool
    {
    public:
        struct page
        {
            std::atomic<std::size_t> users;
            page_pool* pool;
            page* next;

            std::byte* data() noexcept { return reinterpret_cast<std::byte*>(this) + cache_line; }
        };
        static_assert(sizeof(page) <= cache_line);

        page_pool(std::size_t page_bytes, std::pmr::memory_resource* memory)
            : m_page_bytes(page_bytes)
            , m_memory(memory)
        {}

        page_pool(page_pool const&) = delete;
        page_pool& operator=(page_pool const&) = delete;

        ~page_pool()
        {
            while (m_free)
            {
                auto const next = m_free->next;
                m_free->~page();
                m_memory->deallocate(m_free, bytes_per_page(m_page_bytes), cache_line);
                m_free = next;
            }
        }

        static constexpr std::size_t bytes_per_page(std::size_t page_bytes)
        {
            return cache_line + page_bytes;
        }

        // Makes sure that at least n pages exist in all, in use or free.
        void reserve(std::size_t n)
        {
            std::scoped_lock const lock(m_mutex);
            while (m_pages < n) { push_free(allocate()); }
        }

        // A page of zeros with one user. Throws std::bad_alloc.
        page* take()
        {
            page* p = nullptr;
            {
                std::scoped_lock const lock(m_mutex);
                p = m_free ? std::exchange(m_free, m_free->next) : allocate();
            }
            p->users.store(1, std::memory_order_relaxed);
            std::memset(p->data(), 0, m_page_bytes);
            return p;
        }

        void give(page* p) noexcept
        {
            std::scoped_lock const lock(m_mutex);
            push_free(p);
        }

        std::size_t page_bytes() const noexcept { return m_page_bytes; }

        // Bytes taken from the memory resource.
        std::size_t bytes() const
        {
            std::scoped_lock const lock(m_mutex);
            return m_pages * bytes_per_page(m_page_bytes);
        }

    private:
        page* allocate()
        {
            auto const memory = m_memory->allocate(bytes_per_page(m_page_bytes), cache_line);
            ++m_pages;
            return ::new (memory) page{{0}, this, nullptr};
        }

        void push_free(page* p) noexcept { p->next = std::exchange(m_free, p); }

        mutable std::mutex m_mutex;
        std::size_t m_page_bytes;
        std::pmr::memory_resource* m_memory;
        page* m_free = nullptr;
        std::size_t m_pages = 0;
    };

    // One user of a page.
    class page_ref
    {
    public:
        page_ref() = default;
        explicit page_ref(page_pool& pool)
            : m_page(pool.take())
        {}
        page_ref(page_ref const& other) noexcept
            : m_page(other.m_page)
        {
            if (m_page) { m_page->users.fetch_add(1, std::memory_order_relaxed); }
        }
        page_ref(page_ref&& other) noexcept
            : m_page(std::exchange(other.m_page, nullptr))
        {}
        page_ref& operator=(page_ref other) noexcept
        {
            std::swap(m_page, other.m_page);
            return *this;
        }
        ~page_ref()
        {
            if (m_page && m_page->users.fetch_sub(1, std::memory_order_acq_rel) == 1)
            {
                m_page->pool->give(m_page);
            }
        }

        explicit operator bool() const noexcept { return m_page != nullptr; }
        std::byte const* data() const noexcept { return m_page->data(); }
        std::byte* data() noexcept { return m_page->data(); }

        // Makes this the only user, copying the page if there are others.
        void own()
        {
            if (m_page->users.load(std::memory_order_acquire) == 1) { return; }
            page_ref copy(*m_page->pool);
            std::memcpy(copy.data(), data(), m_page->pool->page_bytes());
            *this = std::move(copy);
        }

    private:
        page_pool::page* m_page = nullptr;
    };
}
