---@meta

-- Neovim 0.11 says only that `vim.uv` is a `uv`; the class itself comes with 0.12. Names are checked by scripts/lint.lua.

---@class uv
---@field [string] fun(...: any): any

---@class uv.uv_handle_t
---@field [string] fun(...: any): any

---@class uv.uv_timer_t : uv.uv_handle_t
---@class uv.uv_pipe_t : uv.uv_handle_t
---@class uv.uv_process_t : uv.uv_handle_t
---@class uv.uv_fs_event_t : uv.uv_handle_t
