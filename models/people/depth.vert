#version 330
uniform mat4 sun; in vec3 in_position;
void main() { gl_Position = sun * vec4(in_position, 1.0); }
