#version 330
uniform mat4 camera; uniform mat4 sun;
in vec3 in_position; in vec3 in_normal; in vec3 in_texture; in vec3 in_colour; in float in_material;
out vec3 position; out vec3 normal; out vec3 texture_at; out vec3 colour; out float material; out vec4 in_sun;
void main() {
    position = in_position; normal = in_normal; texture_at = in_texture; colour = in_colour; material = in_material;
    in_sun = sun * vec4(in_position, 1.0);
    gl_Position = camera * vec4(in_position, 1.0);
}
